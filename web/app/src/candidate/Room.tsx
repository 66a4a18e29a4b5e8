import { type WebRTCConnectionError, type wire, wordsFor } from '@vivavoce/client';
import {
  useInterview,
  useWebRTCOf,
  type WebRTCConfig,
  WebRTCProvider,
  type WebRTCState,
} from '@vivavoce/react';
import { useEffect, useMemo, useState } from 'react';
import { Heading } from '../ui/Heading.tsx';
import { Trouble } from '../ui/Notice.tsx';
import { inMinutes } from '../ui/words.ts';
import { Captions } from './Captions.tsx';
import { Controls } from './Controls.tsx';
import { End } from './End.tsx';
import { Presence } from './Presence.tsx';
import { currentQuestion } from './question.ts';
import { timeLeft } from './timeLeft.ts';
import type { Choice } from './way.ts';

interface RoomProps {
  readonly welcome: wire.InvitationWelcome;
  readonly token: () => Promise<string>;
  readonly choice: Choice;
}

/** The interview of an invitation: entered at once, and come back to after a reload. */
export function InvitedRoom({ welcome, token, choice }: RoomProps) {
  const [typing, setTyping] = useState(choice.way === 'typing');
  const { microphoneId } = choice;
  const { invitationId } = welcome;
  const config = useMemo<WebRTCConfig>(
    () => ({
      token,
      scope: invitationId,
      microphone: typing ? 'none' : 'required',
      ...(microphoneId === null ? {} : { microphoneId }),
    }),
    [token, invitationId, typing, microphoneId],
  );
  return (
    <WebRTCProvider key={String(typing)} config={config}>
      <Room welcome={welcome} isTyping={typing} onType={() => setTyping(true)} />
    </WebRTCProvider>
  );
}

function Room(props: {
  readonly welcome: wire.InvitationWelcome;
  readonly isTyping: boolean;
  readonly onType: () => void;
}) {
  const state = useWebRTCOf(useInterview());
  const { status, error, ending, transcript, connect } = state;
  useEffect(() => void connect(), [connect]);
  if (ending) return <End welcome={props.welcome} ending={ending} entries={transcript} />;
  if (status === 'error' && error) {
    return <NoRoom error={error} onAgain={() => void connect()} onType={props.onType} />;
  }
  return <OpenRoom state={state} welcome={props.welcome} isTyping={props.isTyping} />;
}

function NoRoom(props: {
  readonly error: WebRTCConnectionError;
  readonly onAgain: () => void;
  readonly onType: () => void;
}) {
  const isDeaf = props.error.code.startsWith('MICROPHONE_');
  return (
    <main className="page narrow">
      <Heading>We could not begin</Heading>
      <Trouble error={props.error}>
        <div className="row">
          <button type="button" className="primary" onClick={props.onAgain}>
            Try again
          </button>
          {isDeaf && (
            <button type="button" onClick={props.onType}>
              Type my answers instead
            </button>
          )}
        </div>
      </Trouble>
    </main>
  );
}

function OpenRoom(props: {
  readonly state: WebRTCState;
  readonly welcome: wire.InvitationWelcome;
  readonly isTyping: boolean;
}) {
  const { state, welcome, isTyping } = props;
  const question = currentQuestion(state.transcript);
  return (
    <main className="room" data-status={state.status} data-signalling={state.signalling}>
      <header>
        <Heading>{welcome.title}</Heading>
        <p className="time">
          <TimeLeft deadline={state.deadline} maxDuration={welcome.maxDuration} />
        </p>
      </header>
      <section className="stage" aria-label="Interviewer">
        <Presence state={state} />
        <ConnectionLine state={state} />
        <p className="question" data-empty={question === null}>
          {question ?? 'The first question comes in a moment.'}
        </p>
      </section>
      <Captions entries={state.transcript} />
      <Controls state={state} isTyping={isTyping} />
    </main>
  );
}

/** Trouble is a line and not a dialog: the interview goes on, and says so. */
function ConnectionLine({ state }: { readonly state: WebRTCState }) {
  const { status, error, warning, signalling, isSoundBlocked, interview } = state;
  if (isSoundBlocked) {
    return (
      <p className="line" role="alert">
        Your browser holds the sound back.{' '}
        <button type="button" onClick={() => void interview.sound.unblock()}>
          Turn the sound on
        </button>
      </p>
    );
  }
  if (status === 'reconnecting') {
    return (
      <p className="line" role="alert">
        The connection was lost. We connect again, and what you said is kept.
      </p>
    );
  }
  const words = warning ?? (error ? wordsFor(error.code) : null);
  const isDistant = status === 'connected' && signalling === 'lost';
  return (
    <p className="line" role="status">
      {words
        ? `${words.title}. ${words.advice}`
        : isDistant
          ? 'Go on: we hear you. What is written comes a little later.'
          : ' '}
    </p>
  );
}

function TimeLeft(props: { readonly deadline: Date | null; readonly maxDuration: number }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const { deadline, maxDuration } = props;
  return deadline ? timeLeft(deadline, now) : `Up to ${inMinutes(maxDuration)}`;
}
