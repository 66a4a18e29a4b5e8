import type { WebRTCConnectionError, Words } from '@vivavoce/client';
import { type ReactNode, useState } from 'react';
import { Heading } from '../ui/Heading.tsx';
import { Trouble } from '../ui/Notice.tsx';
import { playChime } from './chime.ts';
import { Level } from './Level.tsx';
import { StepLine } from './Steps.tsx';
import { type Attempt, type MicrophoneCheck, useMicrophone } from './useMicrophone.ts';
import { type SoundCheck, useSoundCheck } from './useSoundCheck.ts';
import type { Choice, Way } from './way.ts';

/** Whether we hear the candidate, reach each other and understand; each with what to do if not. */
export function DeviceCheck(props: {
  readonly token: () => Promise<string>;
  readonly onNext: (choice: Choice) => void;
}) {
  const { token } = props;
  const [attempt, setAttempt] = useState<Attempt>({ deviceId: null });
  const microphone = useMicrophone(attempt);
  const sound = useSoundCheck(token, sentBy(microphone), attempt);
  const isReady = sound.status === 'connected' && sound.words !== null;
  const isReachable = sound.status === 'connected' || sound.status === 'over';
  const again = () => setAttempt({ ...attempt });
  const go = (way: Way) => props.onNext({ way, microphoneId: attempt.deviceId });
  return (
    <main className="page narrow">
      <StepLine current="check" />
      <Heading>Can we hear you?</Heading>
      <p className="lead">Say a sentence, such as “Good morning, I am ready.”</p>
      <div className="checks">
        <MicrophoneLine
          microphone={microphone}
          isUnderstood={isReady}
          onAgain={again}
          onChoose={(deviceId) => setAttempt({ deviceId })}
        />
        <ConnectionLine sound={sound} isSilent={microphone.status === 'refused'} onAgain={again} />
        {microphone.status !== 'refused' && <WordsLine sound={sound} />}
        <LoudspeakerLine />
      </div>
      <div className="row">
        <button
          type="button"
          className="primary"
          disabled={!isReady}
          onClick={() => go('speaking')}
        >
          Start the interview
        </button>
        <button type="button" disabled={!isReachable} onClick={() => go('typing')}>
          Type my answers instead
        </button>
      </div>
      <p className="hint" role="status">
        {isReady
          ? 'All is well. The interviewer greets you when you start.'
          : 'You can start once we have understood you, or type your answers. Nothing of this check is kept.'}
      </p>
    </main>
  );
}

/** What the check sends; undefined while the browser still asks. */
function sentBy({ status, track }: MicrophoneCheck): MediaStreamTrack | null | undefined {
  return status === 'opening' ? undefined : track;
}

type Outcome = 'waiting' | 'good' | 'bad' | 'none';

/** One thing that is checked; how it is stands in words, and not in a colour alone. */
function Line(props: {
  readonly name: string;
  readonly outcome: Outcome;
  readonly children: ReactNode;
}) {
  return (
    <section className="check" data-outcome={props.outcome} aria-label={props.name}>
      <span className="mark" aria-hidden="true">
        {{ waiting: '', good: '✓', bad: '!', none: '♪' }[props.outcome]}
      </span>
      <div>
        <h2>{props.name}</h2>
        {props.children}
      </div>
    </section>
  );
}

function TroubleLine(props: {
  readonly name: string;
  readonly error: WebRTCConnectionError;
  readonly words?: Words | undefined;
  readonly onAgain: () => void;
}) {
  const { name, error, words } = props;
  return (
    <Line name={name} outcome="bad">
      <Trouble error={error} {...(words === undefined ? {} : { words })}>
        <button type="button" onClick={props.onAgain}>
          Try again
        </button>
      </Trouble>
    </Line>
  );
}

function MicrophoneLine(props: {
  readonly microphone: MicrophoneCheck;
  readonly isUnderstood: boolean;
  readonly onAgain: () => void;
  readonly onChoose: (deviceId: string) => void;
}) {
  const { status, error, level, isHeard, isSilent } = props.microphone;
  if (error) return <TroubleLine name="Microphone" error={error} onAgain={props.onAgain} />;
  const isGood = isHeard || props.isUnderstood;
  const words = isGood
    ? 'We hear you well.'
    : status === 'opening'
      ? 'Your browser asks whether this page may use your microphone. Allow it.'
      : isSilent
        ? 'We do not hear you yet. Speak up, move closer, or choose another microphone.'
        : 'We listen.';
  return (
    <Line name="Microphone" outcome={isGood ? 'good' : 'waiting'}>
      <Level level={level} label="Level of your microphone" />
      <p role="status">{words}</p>
      <Choosing microphone={props.microphone} onChoose={props.onChoose} />
    </Line>
  );
}

/** Which microphone it is, and another one where there are some. */
function Choosing(props: {
  readonly microphone: MicrophoneCheck;
  readonly onChoose: (deviceId: string) => void;
}) {
  const { devices, label, track } = props.microphone;
  if (devices.length < 2) return label && <p className="hint">{label}</p>;
  return (
    <select
      aria-label="Microphone"
      value={track?.getSettings().deviceId ?? ''}
      onChange={({ target }) => props.onChoose(target.value)}
    >
      {devices.map((device) => (
        <option key={device.id} value={device.id}>
          {device.label}
        </option>
      ))}
    </select>
  );
}

/** What helps here differs from what helps in the middle of an interview. */
const remedies: Readonly<Record<string, Words>> = {
  WEBRTC_CONNECTION_FAILED: {
    title: 'The sound does not get through',
    advice:
      'A company network, a VPN or a firewall may block calls. Switch the VPN off or try another network, such as that of your phone.',
  },
  SDP_EXCHANGE_FAILED: {
    title: 'The interviewer does not take the call at the moment',
    advice: 'Wait a minute, then try again. If it stays, tell the people who invited you.',
  },
  UNAVAILABLE: {
    title: 'We do not reach the service',
    advice: 'Check that you are online, then try again.',
  },
  RATE_LIMITED: {
    title: 'Too many checks in a row',
    advice: 'Wait a minute, then try again.',
  },
};

function ConnectionLine(props: {
  readonly sound: SoundCheck;
  /** Whether there is no sound of the candidate's to speak of. */
  readonly isSilent: boolean;
  readonly onAgain: () => void;
}) {
  const { status, error, roundTripMs } = props.sound;
  if (error) {
    const words = remedies[error.code];
    return <TroubleLine name="Connection" error={error} words={words} onAgain={props.onAgain} />;
  }
  if (status === 'over') {
    return (
      <Line name="Connection" outcome="waiting">
        <p role="status">The check has ended: nothing was understood for a while.</p>
        <button type="button" onClick={props.onAgain}>
          Check again
        </button>
      </Line>
    );
  }
  const isGood = status === 'connected';
  const subject = props.isSilent ? 'You reach' : 'Your sound reaches';
  const measured = roundTripMs === null ? '' : ` (${Math.max(1, roundTripMs)} ms there and back)`;
  return (
    <Line name="Connection" outcome={isGood ? 'good' : 'waiting'}>
      <p role="status">
        {isGood
          ? `${subject} the interviewer${measured}.`
          : 'We look for a way to the interviewer…'}
      </p>
    </Line>
  );
}

function WordsLine({ sound }: { readonly sound: SoundCheck }) {
  const { words, isUnclear } = sound;
  const text =
    words !== null
      ? `We understood: “${words}”`
      : isUnclear
        ? 'We hear something and cannot make out words. Say the sentence again, a little slower and closer to the microphone, or find a quieter place.'
        : 'What you say appears here.';
  return (
    <Line name="Your words" outcome={words === null ? 'waiting' : 'good'}>
      <p role="status">{text}</p>
    </Line>
  );
}

function LoudspeakerLine() {
  return (
    <Line name="Loudspeaker" outcome="none">
      <p>If you do not hear the two notes, turn the volume of this device up.</p>
      <button type="button" onClick={() => void playChime()}>
        Play two notes
      </button>
    </Line>
  );
}
