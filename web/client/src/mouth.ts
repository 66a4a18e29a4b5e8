import { asConnectionError } from './errors.ts';
import { openMicrophone } from './microphone.ts';
import { Store } from './store.ts';

export interface MouthListener {
  /** The microphone is another one, or none: what is sent and measured is another track. */
  readonly onTrack: (track: MediaStreamTrack | null) => void;
  /** Whether anything is sent at the moment. */
  readonly onSending: (isSending: boolean) => void;
  /** The microphone is gone, and no other could be had. */
  readonly onLost: (error: unknown) => void;
}

/** The candidate's microphone over the whole interview: opened, muted, exchanged, closed. */
export class Mouth {
  readonly isMuted = new Store(false);
  readonly isPaused = new Store(false);
  readonly #listener: MouthListener;
  #track: MediaStreamTrack | null = null;
  #closings = 0;

  constructor(listener: MouthListener) {
    this.#listener = listener;
  }

  /** What is to be sent; null for nothing. */
  get track(): MediaStreamTrack | null {
    return this.#track;
  }

  /**
   * Open a microphone, unless one is open: this one, or another if it is gone. Rejects as
   * `openMicrophone` does.
   */
  async open(deviceId?: string): Promise<void> {
    if (this.#track?.readyState === 'live') return;
    try {
      await this.use(deviceId);
    } catch (error) {
      const isGone = asConnectionError(error).code === 'MICROPHONE_MISSING';
      if (deviceId === undefined || !isGone) throw error;
      await this.use();
    }
  }

  /**
   * Use this microphone, or whichever the browser gives, in the place of the one before.
   *
   * Rejects with an `AbortError` if it was closed while the person was asked.
   */
  async use(deviceId?: string): Promise<void> {
    const closings = this.#closings;
    const track = await openMicrophone(deviceId);
    if (closings !== this.#closings) {
      track.stop();
      throw new DOMException('The interview was left.', 'AbortError');
    }
    this.#drop();
    this.#track = track;
    track.onended = () => void this.use().catch((error) => this.#lose(error));
    this.#listener.onTrack(track);
    this.#apply();
  }

  mute(isMuted: boolean): void {
    this.isMuted.set(isMuted);
    this.#apply();
  }

  pause(isPaused: boolean): void {
    this.isPaused.set(isPaused);
    this.#apply();
  }

  /** Stop the microphone; one that is being asked for is stopped as soon as it is there. */
  close(): void {
    this.#closings += 1;
    if (this.#track === null) return;
    this.#drop();
    this.#listener.onTrack(null);
    this.#apply();
  }

  #drop(): void {
    if (this.#track === null) return;
    this.#track.onended = null;
    this.#track.stop();
    this.#track = null;
  }

  #lose(error: unknown): void {
    if (error instanceof DOMException && error.name === 'AbortError') return; // closed meanwhile
    this.close();
    this.#listener.onLost(error);
  }

  #apply(): void {
    const isOpen = !this.isMuted.getSnapshot() && !this.isPaused.getSnapshot();
    if (this.#track !== null) this.#track.enabled = isOpen;
    this.#listener.onSending(this.#track !== null && isOpen);
  }
}
