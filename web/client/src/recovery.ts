import { asConnectionError, type WebRTCConnectionError } from './errors.ts';
import { calculateBackoffDelay, defaultRetryConfig, type RetryConfig } from './retry.ts';
import { sleep } from './tasks.ts';

/** Where sessions may run, in the order of preference; none leaves it to the server. */
export interface Regions {
  readonly names: readonly string[];
  readonly tried: ReadonlySet<string>;
}

export const anyRegion: Regions = { names: [], tried: new Set() };

/** The region to ask for: the first that has not failed, else whatever the server likes. */
export function chosenRegion(regions: Regions): string | undefined {
  return regions.names.find((name) => !regions.tried.has(name));
}

/** These regions after a failure to get a machine. */
export function withoutFailed(regions: Regions, error: WebRTCConnectionError): Regions {
  const chosen = chosenRegion(regions);
  const failed = error.details.triedRegions?.length
    ? error.details.triedRegions
    : chosen === undefined
      ? []
      : [chosen];
  return { names: regions.names, tried: new Set([...regions.tried, ...failed]) };
}

/** What can be done anew; each act leaves the caller ready to try again. */
export interface Remedies {
  readonly refreshToken: () => Promise<void>;
  readonly changeRegion: (error: WebRTCConnectionError) => Promise<void>;
  readonly renewSession: () => Promise<void>;
}

export interface Persistence {
  readonly signal: AbortSignal;
  readonly remedies?: Remedies;
  readonly onRetry?: (error: WebRTCConnectionError) => void;
  readonly config?: RetryConfig;
  /** A number in [0, 1); the source of chance. */
  readonly uniform?: () => number;
}

/**
 * Do `act`; when it fails, do what the recovery map says about the error and try again.
 *
 * Before each retry comes a wait of the policy, or what the server asked for (`Retry-After`), but
 * never more than the policy's greatest. A token is refreshed once only: where a fresh one is
 * refused, another would be too.
 *
 * Rejects with the last error when the retries are used up or there is no remedy.
 */
export async function persist<T>(
  act: (signal: AbortSignal) => Promise<T>,
  options: Persistence,
): Promise<T> {
  const config = options.config ?? defaultRetryConfig;
  let wasRefreshed = false;
  for (let retryCount = 0; ; retryCount += 1) {
    try {
      return await act(options.signal);
    } catch (thrown) {
      options.signal.throwIfAborted();
      const error = asConnectionError(thrown);
      const refreshes = error.recovery === 'refresh_token_and_retry';
      const isUsedUp = retryCount >= config.maxAttempts || (refreshes && wasRefreshed);
      if (isUsedUp || !error.retryable) throw error;
      wasRefreshed ||= refreshes;
      options.onRetry?.(error);
      const wait = calculateBackoffDelay(retryCount, config, options.uniform);
      const asked = error.details.retryAfter ?? 0;
      await sleep(Math.min(Math.max(wait, asked), config.maxDelay), options.signal);
      await applyRemedy(error, options.remedies);
    }
  }
}

async function applyRemedy(error: WebRTCConnectionError, remedies?: Remedies): Promise<void> {
  switch (error.recovery) {
    case 'refresh_token_and_retry':
      return remedies?.refreshToken();
    case 'retry_with_different_region':
      return remedies?.changeRegion(error);
    case 'retry_with_new_session':
      return remedies?.renewSession();
    case 'retry_with_backoff':
    case 'continue_session_log_error':
    case 'none':
      return;
    default:
      error.recovery satisfies never;
  }
}
