import { Store } from './store.ts';

/** How loud each side is at the moment, 0 to 1 (root mean square of the last 20 to 50 ms). */
export interface Levels {
  readonly candidate: number;
  readonly interviewer: number;
}

/**
 * Plays the interviewer, and measures how loud both sides are.
 *
 * A browser may refuse to play before the person has touched the page: `isBlocked` says so, and
 * `unblock` is for the next touch.
 */
export class Sound {
  readonly isBlocked = new Store(false);
  #audio: HTMLAudioElement | null = null;
  #context: AudioContext | null = null;
  #interviewer: Meter | null = null;
  #candidate: Meter | null = null;

  /** Play this stream in the place of the one before. */
  play(stream: MediaStream): void {
    this.#audio ??= new Audio();
    this.#audio.autoplay = true;
    this.#audio.srcObject = stream;
    this.#interviewer = this.#measured(stream, this.#interviewer);
    void this.unblock();
  }

  /** Measure what the candidate says. */
  listenTo(track: MediaStreamTrack | null): void {
    this.#candidate =
      track === null
        ? release(this.#candidate)
        : this.#measured(new MediaStream([track]), this.#candidate);
  }

  /** Play, from within a touch of the person where the browser wants one. */
  async unblock(): Promise<void> {
    try {
      void this.#context?.resume(); // resolves only with a touch
      await this.#audio?.play();
      this.isBlocked.set(false);
    } catch (error) {
      this.isBlocked.set(error instanceof DOMException && error.name === 'NotAllowedError');
    }
  }

  levels(): Levels {
    return { candidate: levelOf(this.#candidate), interviewer: levelOf(this.#interviewer) };
  }

  /** Silence, and nothing left: no element, no context. */
  async close(): Promise<void> {
    this.#interviewer = release(this.#interviewer);
    this.#candidate = release(this.#candidate);
    if (this.#audio !== null) {
      this.#audio.pause();
      this.#audio.srcObject = null;
      this.#audio = null;
    }
    const context = this.#context;
    this.#context = null;
    this.isBlocked.set(false);
    if (context !== null && context.state !== 'closed') await context.close();
  }

  #measured(stream: MediaStream, before: Meter | null): Meter {
    release(before);
    this.#context ??= new AudioContext();
    const source = this.#context.createMediaStreamSource(stream);
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    source.connect(analyser);
    return { source, analyser, samples: new Float32Array(analyser.fftSize) };
  }
}

interface Meter {
  readonly source: MediaStreamAudioSourceNode;
  readonly analyser: AnalyserNode;
  readonly samples: Float32Array<ArrayBuffer>;
}

function release(meter: Meter | null): null {
  meter?.source.disconnect();
  return null;
}

function levelOf(meter: Meter | null): number {
  if (meter === null) return 0;
  meter.analyser.getFloatTimeDomainData(meter.samples);
  const energy = meter.samples.reduce((sum, sample) => sum + sample * sample, 0);
  return Math.min(1, Math.sqrt(energy / meter.samples.length));
}
