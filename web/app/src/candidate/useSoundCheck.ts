import { asConnectionError, type WebRTCConnectionError } from '@vivavoce/client';
import { useEffect, useState } from 'react';
import { openCheck } from './soundCheck.ts';

/** A call that only listens, as far as it has come. */
export interface SoundCheck {
  /** `over`: it has ended by itself before anything was understood. */
  readonly status: 'waiting' | 'connected' | 'over' | 'failed';
  readonly error: WebRTCConnectionError | null;
  /** Milliseconds there and back, once they are known. */
  readonly roundTripMs: number | null;
  /** What was understood; null until then. */
  readonly words: string | null;
  /** Something was heard, and nothing understood of it. */
  readonly isUnclear: boolean;
}

const nothingYet: SoundCheck = {
  status: 'waiting',
  error: null,
  roundTripMs: null,
  words: null,
  isUnclear: false,
};

/**
 * Check the way of the sound while the component stands: once a sentence was understood the call
 * is let go of.
 *
 * @param microphone What is sent; null for a candidate without; undefined while it is not known.
 * @param attempt Another one checks anew.
 */
export function useSoundCheck(
  token: () => Promise<string>,
  microphone: MediaStreamTrack | null | undefined,
  attempt: unknown,
): SoundCheck {
  const [check, setCheck] = useState<SoundCheck>(nothingYet);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt checks anew
  useEffect(() => {
    if (microphone === undefined) return;
    const stop = new AbortController();
    const { signal } = stop;
    const change = (changes: Partial<SoundCheck>) => {
      if (!signal.aborted) setCheck((before) => ({ ...before, ...changes }));
    };
    setCheck(nothingYet);
    const listener = {
      onRoundTrip: (milliseconds: number) => change({ roundTripMs: Math.round(milliseconds) }),
      onWords: (words: string) => {
        if (words === '') return change({ isUnclear: true });
        change({ status: 'connected', words, isUnclear: false });
        stop.abort();
      },
    };
    openCheck(token, microphone, listener, signal).then(
      ({ loss }) => {
        change({ status: 'connected', error: null });
        if (microphone === null) return stop.abort();
        loss.subscribe(() => change({ status: 'over' }));
      },
      (error: unknown) => {
        change({ status: 'failed', error: asConnectionError(error) });
      },
    );
    return () => stop.abort();
  }, [token, microphone, attempt]);
  return check;
}
