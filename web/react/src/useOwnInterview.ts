import { Interview } from '@vivavoce/client';
import { useEffect, useState } from 'react';
import { optionsOf, type WebRTCConfig } from './config.ts';

/**
 * An interview that lives as long as the component: let go of when it unmounts, so that no track,
 * timer, context or socket stays. The session itself can be come back to for a minute.
 *
 * The first configuration counts; give the component another `key` for another interview.
 */
export function useOwnInterview(config: WebRTCConfig): Interview {
  const [interview] = useState(() => new Interview(optionsOf(config)));
  useEffect(() => () => void interview.release(), [interview]);
  return interview;
}
