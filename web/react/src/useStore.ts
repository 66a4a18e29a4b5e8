import { type Readable, Store } from '@vivavoce/client';
import { useSyncExternalStore } from 'react';

/** A watched value; renders again when it changes. */
export function useStore<T>(store: Readable<T>): T {
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
}

/** Something to watch where there is nothing: it never changes. */
export const nothing: Readable<null> = new Store(null);
