import type { Interview } from '@vivavoce/client';
import { createContext, useContext } from 'react';

/** The interview of the nearest `WebRTCProvider`. */
export const InterviewContext = createContext<Interview | null>(null);

/** The id that the nearest `SessionProvider` names. */
export const SessionContext = createContext<string | null>(null);

/** The interview around; throws where there is none. */
export function useInterview(): Interview {
  const interview = useContext(InterviewContext);
  if (interview === null) throw new Error('This hook stands inside a WebRTCProvider.');
  return interview;
}
