import {
  asConnectionError,
  askEdge,
  browserKeeper,
  errorOf,
  type WebRTCConnectionError,
  type wire,
} from '@vivavoce/client';
import { useCallback, useEffect, useMemo, useState } from 'react';

/** A link's two parts. The secret is in the fragment, which no server is sent. */
export interface InvitationLink {
  readonly id: string;
  readonly secret: string;
}

/** Read the address of this page; null if it is no whole link. */
export function readLink(address: Pick<Location, 'pathname' | 'hash'>): InvitationLink | null {
  const id = /^\/i\/([^/]+)\/?$/.exec(address.pathname)?.[1];
  const secret = address.hash.slice(1);
  return id === undefined || secret === '' ? null : { id, secret };
}

/** What the page knows of its invitation. */
export type Invited =
  | { readonly status: 'loading' }
  | { readonly status: 'failed'; readonly error: WebRTCConnectionError }
  | { readonly status: 'known'; readonly welcome: wire.InvitationWelcome };

export interface Invitation {
  readonly invited: Invited;
  /** A token for the interview, fresh each time. */
  readonly token: () => Promise<string>;
  /** Agree to every statement; rejects if that was not stored. */
  readonly agree: (text: wire.ConsentText) => Promise<void>;
  /** Ask again; quietly, what is shown stays until there is an answer. */
  readonly reload: (isQuiet?: boolean) => void;
}

/** The invitation that a link opens. */
export function useInvitation(link: InvitationLink | null): Invitation {
  const [invited, setInvited] = useState<Invited>({ status: 'loading' });
  const token = useCallback(async () => {
    if (link === null) throw errorOf('NOT_FOUND', 'The link is not whole.');
    const body = { secret: link.secret };
    return (await askEdge(location.origin, 'openInvitation', { body })).accessToken;
  }, [link]);
  const reload = useCallback(
    async (isQuiet = false) => {
      if (!isQuiet) setInvited({ status: 'loading' });
      try {
        const welcome = await askEdge(location.origin, 'showWelcome', { token: await token() });
        setInvited({ status: 'known', welcome });
      } catch (error) {
        setInvited({ status: 'failed', error: asConnectionError(error) });
      }
    },
    [token],
  );
  const reloadFromOutside = useCallback((isQuiet = false) => void reload(isQuiet), [reload]);
  const agree = useCallback(
    async ({ version, statements }: wire.ConsentText) => {
      const body = { version, agreed: statements.map(({ id }) => id) };
      await askEdge(location.origin, 'giveConsent', { token: await token(), body });
    },
    [token],
  );
  useEffect(() => void reload(), [reload]);
  return useMemo(
    () => ({ invited, token, agree, reload: reloadFromOutside }),
    [invited, token, agree, reloadFromOutside],
  );
}

/** Whether this tab was in the interview already, so that it goes straight back to it. */
export function wasInRoom(invitationId: string): boolean {
  const saved = browserKeeper.loadSession();
  return saved?.scope === invitationId && saved.baseUrl === location.origin;
}
