import { type ConnectionStatus, wordsFor, wordsForEnding } from '@vivavoce/client';
import { type FormEvent, useState } from 'react';
import { useInterview } from './context.ts';
import { TranscriptPanel } from './TranscriptPanel.tsx';
import { useWebRTCOf, type WebRTCState } from './useWebRTC.ts';

const statusWords: Readonly<Record<ConnectionStatus, string>> = {
  idle: 'Ready when you are.',
  connecting: 'Connecting…',
  connected: 'Connected.',
  disconnecting: 'Saying goodbye…',
  disconnected: 'Not connected.',
  error: 'Not connected.',
  reconnecting: 'Connecting again. What you said is kept.',
};

const activityWords = {
  listening: 'The interviewer listens.',
  thinking: 'The interviewer thinks.',
  speaking: 'The interviewer speaks.',
};

/** The interview around: how it stands, what was said, and everything to steer it with. */
export function WebRTCManager() {
  const state = useWebRTCOf(useInterview());
  const { status, error, signalling, ending, presence, isSoundBlocked, interview } = state;
  const words = error && status !== 'disconnected' ? wordsFor(error.code) : null;
  return (
    <section className="viva-manager" data-status={status} data-signalling={signalling}>
      <p role="status">
        {ending ? wordsForEnding(ending.reason) : statusWords[status]}{' '}
        {status === 'connected' && activityWords[presence.interviewer]}
      </p>
      {words && error && (
        <p role={status === 'error' ? 'alert' : 'status'} className="viva-error">
          <strong>{words.title}</strong> {words.advice} <small>{error.code}</small>
        </p>
      )}
      {isSoundBlocked && (
        <button type="button" onClick={() => void interview.sound.unblock()}>
          Turn the sound on
        </button>
      )}
      <Controls {...state} />
      <TranscriptPanel />
    </section>
  );
}

function Controls(state: WebRTCState) {
  const { status, connect, disconnect, interview, isMuted, isPaused, canResume } = state;
  if (status === 'idle' || status === 'error' || status === 'disconnected') {
    const name = status === 'error' ? 'Try again' : canResume ? 'Go on' : 'Start the interview';
    return (
      <button type="button" onClick={() => void connect()}>
        {name}
      </button>
    );
  }
  const isConnected = status === 'connected';
  return (
    <div className="viva-controls">
      <button type="button" aria-pressed={isMuted} onClick={() => interview.mute(!isMuted)}>
        Mute
      </button>
      <button
        type="button"
        aria-pressed={isPaused}
        disabled={!isConnected}
        onClick={() => void (isPaused ? interview.resume() : interview.pause())}
      >
        Pause
      </button>
      <button type="button" disabled={!isConnected} onClick={() => void interview.repeat()}>
        Repeat the question
      </button>
      <button type="button" onClick={() => void disconnect()}>
        Leave
      </button>
      <Writing say={(text) => interview.say(text)} isDisabled={!isConnected} />
    </div>
  );
}

function Writing(props: {
  readonly say: (text: string) => Promise<void>;
  readonly isDisabled: boolean;
}) {
  const [text, setText] = useState('');
  const send = (event: FormEvent) => {
    event.preventDefault();
    void props.say(text).then(
      () => setText(''),
      () => {}, // it stays in the field
    );
  };
  return (
    <form onSubmit={send}>
      <label>
        Answer in writing{' '}
        <input value={text} maxLength={4000} onChange={(event) => setText(event.target.value)} />
      </label>
      <button type="submit" disabled={props.isDisabled || text.trim() === ''}>
        Send
      </button>
    </form>
  );
}
