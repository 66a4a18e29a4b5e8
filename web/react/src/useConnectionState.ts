import type { ConnectionState as Connection, Interview } from '@vivavoce/client';
import { useMemo } from 'react';
import { useInterview } from './context.ts';
import { useStore } from './useStore.ts';

/** The state of a connection, and what moves it. */
export interface ConnectionState extends Connection {
  /** Connect, or try again; never rejects: `status` and `error` say how it went. */
  readonly connect: () => Promise<void>;
  /** Leave for good: the interview ends. */
  readonly disconnect: () => Promise<void>;
}

/** The connection of the `WebRTCProvider` around. */
export function useConnectionState(): ConnectionState {
  return useConnectionOf(useInterview());
}

/** The connection of this interview. */
export function useConnectionOf(interview: Interview): ConnectionState {
  const state = useStore(interview.connection);
  const acts = useMemo(
    () => ({
      connect: () => interview.connect().catch(() => {}), // it stands in the state
      disconnect: () => interview.disconnect(),
    }),
    [interview],
  );
  return useMemo(() => ({ ...state, ...acts }), [state, acts]);
}
