import { asConnectionError, type WebRTCConnectionError, type wire } from '@vivavoce/client';
import { useEffect, useState } from 'react';
import { useDesk } from './context.ts';

const pauseMs = 400;

/** What would come of a plan, by the API itself. */
export interface Preview {
  /** Of the last plan that would be taken. */
  readonly shown: wire.InterviewPreview | null;
  /** Why the present one would not be. */
  readonly error: WebRTCConnectionError | null;
}

/** Ask what would come of a plan whenever it rests; null asks nothing. */
export function usePreview(draft: wire.InterviewDraft | null): Preview {
  const { api } = useDesk();
  const [preview, setPreview] = useState<Preview>({ shown: null, error: null });
  const body = draft === null ? null : JSON.stringify(draft);
  useEffect(() => {
    if (body === null) return;
    let isWanted = true;
    const ask = async () => {
      try {
        const shown = await api.ask('previewInterview', { body: JSON.parse(body) });
        if (isWanted) setPreview({ shown, error: null });
      } catch (thrown) {
        const error = asConnectionError(thrown);
        if (isWanted) setPreview(({ shown }) => ({ shown, error }));
      }
    };
    const timer = setTimeout(() => void ask(), pauseMs);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [api, body]);
  return preview;
}
