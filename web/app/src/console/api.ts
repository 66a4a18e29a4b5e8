import {
  type Ask,
  asConnectionError,
  askEdge,
  askEdgeForText,
  askEdgeUnlessKnown,
  type EdgeShapes,
  errorOf,
  type Tagged,
} from '@vivavoce/client';

type Asked<Name extends keyof EdgeShapes> = Omit<Ask<EdgeShapes[Name]['request']>, 'token'>;

/** The API, for one recruiter. Rejects with a `WebRTCConnectionError`. */
export class Api {
  readonly #baseUrl: string;
  readonly #token: string;
  readonly #onRefused: () => void;

  /**
   * @param baseUrl Where the API is.
   * @param token Of the recruiter.
   * @param onRefused Told when the token opens nothing any more.
   */
  constructor(baseUrl: string, token: string, onRefused: () => void) {
    this.#baseUrl = baseUrl;
    this.#token = token;
    this.#onRefused = onRefused;
  }

  ask<Name extends keyof EdgeShapes>(
    name: Name,
    asked: Asked<Name> = {},
  ): Promise<EdgeShapes[Name]['response']> {
    return this.#heeded(askEdge(this.#baseUrl, name, { ...asked, token: this.#token }));
  }

  askForText<Name extends keyof EdgeShapes>(name: Name, asked: Asked<Name>): Promise<string> {
    return this.#heeded(askEdgeForText(this.#baseUrl, name, { ...asked, token: this.#token }));
  }

  /** The answer with its tag, for a later question or change that refers to it. */
  async askForTagged<Name extends keyof EdgeShapes>(
    name: Name,
    asked: Asked<Name>,
  ): Promise<Tagged<EdgeShapes[Name]['response']>> {
    const got = await this.askUnlessKnown(name, asked, null);
    if (got === null) throw errorOf('UNAVAILABLE', 'The service says that nothing has changed.');
    return got;
  }

  /** Null if what the tag names is still the latest. */
  askUnlessKnown<Name extends keyof EdgeShapes>(
    name: Name,
    asked: Asked<Name>,
    known: string | null,
  ): Promise<Tagged<EdgeShapes[Name]['response']> | null> {
    const whole = { ...asked, token: this.#token };
    return this.#heeded(askEdgeUnlessKnown(this.#baseUrl, name, whole, known));
  }

  async #heeded<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (thrown) {
      const error = asConnectionError(thrown);
      if (error.code === 'AUTHENTICATION_FAILED') this.#onRefused();
      throw error;
    }
  }
}
