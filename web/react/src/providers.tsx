import { createContext, type ReactNode, useContext, useMemo } from 'react';
import type { WebRTCConfig } from './config.ts';
import { InterviewContext, SessionContext } from './context.ts';
import { useOwnInterview } from './useOwnInterview.ts';
import { type TranscriptState, useTranscriptManager } from './useTranscriptManager.ts';

/** Names the session that everything inside is about. */
export function SessionProvider(props: {
  readonly sessionId?: string | null;
  readonly children?: ReactNode;
}) {
  return <SessionContext value={props.sessionId ?? null}>{props.children}</SessionContext>;
}

/**
 * Holds the interview for everything inside, and lets go of it when it unmounts.
 *
 * The first configuration counts; another `key` makes another interview.
 */
export function WebRTCProvider(props: {
  readonly config: WebRTCConfig;
  readonly children?: ReactNode;
}) {
  const named = useContext(SessionContext);
  const config = useMemo(
    () => (named === null ? props.config : { sessionId: named, ...props.config }),
    [named, props.config],
  );
  const interview = useOwnInterview(config);
  return <InterviewContext value={interview}>{props.children}</InterviewContext>;
}

const TranscriptContext = createContext<TranscriptState | null>(null);

/** Holds the transcript of the session around, for `useTranscript`. */
export function TranscriptProvider(props: { readonly children?: ReactNode }) {
  const transcript = useTranscriptManager();
  return <TranscriptContext value={transcript}>{props.children}</TranscriptContext>;
}

/** The transcript of the `TranscriptProvider` around; of the interview around if there is none. */
export function useTranscript(): TranscriptState {
  const provided = useContext(TranscriptContext);
  const own = useTranscriptManager();
  return provided ?? own;
}
