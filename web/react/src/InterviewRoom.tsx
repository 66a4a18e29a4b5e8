import type { WebRTCConfig } from './config.ts';
import { SessionProvider, TranscriptProvider, WebRTCProvider } from './providers.tsx';
import { WebRTCManager } from './WebRTCManager.tsx';

/**
 * A whole interview: inside providers of yours, or with a `config` on its own. It brings no style;
 * its parts have classes that begin with `viva-`.
 */
export function InterviewRoom(props: {
  readonly config?: WebRTCConfig;
  readonly sessionId?: string;
}) {
  if (props.config === undefined) return <WebRTCManager />;
  return (
    <SessionProvider sessionId={props.sessionId ?? null}>
      <WebRTCProvider config={props.config}>
        <TranscriptProvider>
          <WebRTCManager />
        </TranscriptProvider>
      </WebRTCProvider>
    </SessionProvider>
  );
}
