import type { RealtimeServerEvent } from './generated.ts';

const sampleMs = 100;

/** How loud each of the candidate's turns is: the mean level, 0 to 1, while it is spoken. */
export class Loudness {
  readonly #level: () => number;
  readonly #onTurn: (itemId: string, level: number) => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  #sum = 0;
  #count = 0;

  /**
   * @param level How loud the candidate is at the moment.
   * @param onTurn Told of each turn when it has been spoken.
   */
  constructor(level: () => number, onTurn: (itemId: string, level: number) => void) {
    this.#level = level;
    this.#onTurn = onTurn;
  }

  hear(event: RealtimeServerEvent): void {
    if (event.type === 'input_audio_buffer.speech_started') {
      this.stop();
      this.#timer = setInterval(() => {
        this.#sum += this.#level();
        this.#count += 1;
      }, sampleMs);
    } else if (event.type === 'input_audio_buffer.speech_stopped' && this.#count > 0) {
      this.#onTurn(event.item_id, Number((this.#sum / this.#count).toFixed(3)));
      this.stop();
    }
  }

  /** Measure nothing more. No timer is left. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#sum = 0;
    this.#count = 0;
  }
}
