import {
  browserKeeper,
  type Interview,
  LiveTranscript,
  type TranscriptEntry,
  type Words,
} from '@vivavoce/client';
import { useContext, useMemo } from 'react';
import { InterviewContext, SessionContext } from './context.ts';
import { nothing, useStore } from './useStore.ts';

/** A transcript as it is known here. */
export interface TranscriptState {
  /** In the order of the conversation; revised while it is spoken. */
  readonly transcript: readonly TranscriptEntry[];
  /** Whether it is this browser's copy, shown while there is no connection yet. */
  readonly isCached: boolean;
  /** What to say while transcripts fail; the interview goes on. */
  readonly warning: Words | null;
  /** Forget this browser's copy. */
  readonly cleanup: () => void;
}

/**
 * The transcript of a session: live where the interview around is about it, else the copy that this
 * browser has kept.
 *
 * @param sessionId The session of the `SessionProvider` or the interview around, if left out.
 */
export function useTranscriptManager(sessionId?: string | null): TranscriptState {
  return useTranscriptOf(useContext(InterviewContext), sessionId);
}

/** The transcript of a session, live if this interview is about it. */
export function useTranscriptOf(
  interview: Interview | null,
  sessionId?: string | null,
): TranscriptState {
  const named = useContext(SessionContext);
  const current = useStore(interview?.sessionId ?? nothing);
  const id = sessionId ?? named ?? current;
  const isLive = interview !== null && (id === current || current === null);
  const kept = useMemo(() => {
    const transcript = new LiveTranscript();
    if (!isLive && id !== null) transcript.restore(browserKeeper.loadTranscript(id));
    return transcript;
  }, [id, isLive]);
  const view = useStore(isLive ? interview.transcript : kept);
  const warning = useStore(isLive ? interview.warning : nothing);
  return useMemo(
    () => ({
      transcript: view.entries,
      isCached: view.isCached,
      warning,
      cleanup: () => {
        if (id !== null) browserKeeper.forgetTranscript(id);
      },
    }),
    [view, warning, id],
  );
}
