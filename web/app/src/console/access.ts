import { asConnectionError, askEdge, type WebRTCConnectionError } from '@vivavoce/client';

/** What opens the API to a recruiter, until it expires. */
export interface Access {
  readonly accessToken: string;
  readonly expiresAt: string;
}

/** How a recruiter stands at the door. */
export type Entry =
  | { readonly status: 'entering' }
  | { readonly status: 'inside'; readonly access: Access }
  | { readonly status: 'outside'; readonly why: Outside }
  | { readonly status: 'failed'; readonly error: WebRTCConnectionError };

/** Why nobody is let in: no link, a link of no use, time that is up, or because they left. */
export type Outside = 'no_link' | 'used_link' | 'expired' | 'left' | 'left_unheard';

export const accessKey = 'vivavoce-console';
type Kept = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** The access that this tab has; null if there is none that still opens anything. */
export function keptAccess(storage: Kept, now: number): Access | null {
  try {
    const kept = JSON.parse(storage.getItem(accessKey) ?? 'null');
    const isWhole = typeof kept?.accessToken === 'string' && Date.parse(kept.expiresAt) > now;
    return isWhole ? { accessToken: kept.accessToken, expiresAt: kept.expiresAt } : null;
  } catch {
    return null;
  }
}

/** Keep an access in this tab, or forget it. */
export function keepAccess(storage: Kept, access: Access | null): void {
  if (access === null) storage.removeItem(accessKey);
  else storage.setItem(accessKey, JSON.stringify(access));
}

/** What the door needs of the browser. */
export interface Door {
  readonly location: Pick<Location, 'origin' | 'hash' | 'pathname' | 'search'>;
  readonly history: Pick<History, 'replaceState'>;
  readonly storage: Kept;
}

/**
 * Come in: by the secret of a link, which is taken out of the address once it was used, or with the
 * access that this tab has already. An answer that never came leaves the secret where it is, so
 * that it can be tried again.
 */
export async function enter({ location, history, storage }: Door): Promise<Entry> {
  const secret = location.hash.slice(1);
  if (secret === '') {
    const access = keptAccess(storage, Date.now());
    return access ? { status: 'inside', access } : { status: 'outside', why: 'no_link' };
  }
  const forgetSecret = () =>
    history.replaceState(null, '', `${location.pathname}${location.search}`);
  try {
    const access = await askEdge(location.origin, 'enterConsole', { body: { secret } });
    keepAccess(storage, access);
    forgetSecret();
    return { status: 'inside', access };
  } catch (thrown) {
    const error = asConnectionError(thrown);
    if (error.code !== 'NOT_FOUND' && error.code !== 'INVALID_REQUEST') {
      return { status: 'failed', error };
    }
    forgetSecret();
    return { status: 'outside', why: 'used_link' };
  }
}

/**
 * Leave: this tab forgets its access, and the API takes it back, so that a copy of it opens nothing
 * either. Tells whether the API has heard.
 */
export async function leave(
  { location, storage }: Pick<Door, 'location' | 'storage'>,
  { accessToken }: Access,
): Promise<'left' | 'left_unheard'> {
  keepAccess(storage, null);
  try {
    await askEdge(location.origin, 'leaveConsole', { token: accessToken, keepalive: true });
    return 'left';
  } catch (thrown) {
    // Refused means that it opens nothing any more, which is all that was wanted.
    return asConnectionError(thrown).code === 'AUTHENTICATION_FAILED' ? 'left' : 'left_unheard';
  }
}
