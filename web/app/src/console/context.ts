import { useStore } from '@vivavoce/react';
import { createContext, useContext } from 'react';
import type { Api } from './api.ts';
import type { Feed } from './feed.ts';
import type { Live, Seen } from './poll.ts';
import type { Router } from './router.ts';

/** What every screen of the console works with. */
export interface Desk {
  readonly api: Api;
  readonly feed: Feed;
  readonly router: Router;
}

export const DeskContext = createContext<Desk | null>(null);

/** The desk of the screen that this is called in. */
export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (desk === null) throw new Error('Stand inside a console.');
  return desk;
}

/** What is known of something that changes; renders again when it does. */
export function useLive<T>(live: Live<T>): Seen<T> {
  return useStore(live);
}
