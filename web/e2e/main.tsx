import {
  InterviewRoom,
  SessionProvider,
  TranscriptProvider,
  useInterview,
  type WebRTCConfig,
  WebRTCProvider,
} from '@vivavoce/react';
import { StrictMode, useEffect } from 'react';
import { createRoot } from 'react-dom/client';

type Given = typeof globalThis & { config: WebRTCConfig; interview: unknown };

/** Lets the tests look at the interview behind the page. */
function Exposed() {
  const interview = useInterview();
  useEffect(() => {
    (globalThis as Given).interview = interview;
  }, [interview]);
  return <InterviewRoom />;
}

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <SessionProvider>
        <WebRTCProvider config={(globalThis as Given).config}>
          <TranscriptProvider>
            <Exposed />
          </TranscriptProvider>
        </WebRTCProvider>
      </SessionProvider>
    </StrictMode>,
  );
}
