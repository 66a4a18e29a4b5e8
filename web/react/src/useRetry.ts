import {
  asConnectionError,
  defaultRetryConfig,
  type RetryConfig as Policy,
  persist,
  type WebRTCConnectionError,
} from '@vivavoce/client';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

/** How often and how patiently; what is left out is three times, from 1 s to 10 s, with jitter. */
export interface RetryConfig extends Partial<Policy> {
  readonly backoff?: 'exponential';
}

export interface RetryState {
  /** Attempts beyond the first, of the act that runs or ran last. */
  readonly retryCount: number;
  readonly isRetrying: boolean;
  /** Why the last attempt failed; gone once one succeeds. */
  readonly error?: WebRTCConnectionError;
  /** Do it, and again after a failure that may pass; rejects with the last one. */
  readonly retry: <T>(act: (signal: AbortSignal) => Promise<T>) => Promise<T>;
}

interface Attempts {
  readonly retryCount: number;
  readonly isRetrying: boolean;
  readonly error?: WebRTCConnectionError;
}

const none: Attempts = { retryCount: 0, isRetrying: false };

/** Retries with exponential backoff and full jitter; what waits is given up on unmount. */
export function useRetry(config: RetryConfig = {}): RetryState {
  const [attempts, setAttempts] = useState(none);
  const policy = useRef<Policy>(defaultRetryConfig);
  const stop = useRef(new AbortController());
  useEffect(() => {
    policy.current = { ...defaultRetryConfig, ...config };
  });
  useEffect(() => {
    stop.current = new AbortController();
    return () => stop.current.abort();
  }, []);
  const retry = useCallback(async <T>(act: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const { signal } = stop.current;
    setAttempts(none);
    try {
      const result = await persist(act, {
        signal,
        config: policy.current,
        onRetry: (error) =>
          setAttempts(({ retryCount }) => ({
            retryCount: retryCount + 1,
            isRetrying: true,
            error,
          })),
      });
      if (!signal.aborted) setAttempts(({ retryCount }) => ({ retryCount, isRetrying: false }));
      return result;
    } catch (thrown) {
      const error = asConnectionError(thrown);
      if (!signal.aborted) {
        setAttempts(({ retryCount }) => ({ retryCount, isRetrying: false, error }));
      }
      throw thrown;
    }
  }, []);
  return useMemo(() => ({ ...attempts, retry }), [attempts, retry]);
}
