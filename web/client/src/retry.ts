/** When to try again, and how long to wait before. Times in milliseconds. */
export interface RetryConfig {
  /** Retries after the first try. */
  readonly maxAttempts: number;
  /** Upper bound of the first wait. */
  readonly baseDelay: number;
  /** Upper bound of every wait. */
  readonly maxDelay: number;
  /** By which the bound grows. */
  readonly backoffFactor: number;
  /** Whether to wait anything between nothing and the bound, rather than the bound itself. */
  readonly jitter: boolean;
}

export const defaultRetryConfig: RetryConfig = {
  maxAttempts: 3,
  baseDelay: 1000,
  maxDelay: 10_000,
  backoffFactor: 2,
  jitter: true,
};

/**
 * The wait before the retry of this number, counted from 0.
 *
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param uniform A number in [0, 1); the source of chance.
 */
export function calculateBackoffDelay(
  retryCount: number,
  config: RetryConfig = defaultRetryConfig,
  uniform: () => number = Math.random,
): number {
  const bound = Math.min(config.maxDelay, config.baseDelay * config.backoffFactor ** retryCount);
  return config.jitter ? bound * uniform() : bound;
}
