import { WebRTCConnectionError } from '@vivavoce/client';
import { type ReactNode, useEffect, useState } from 'react';
import { Trouble } from '../ui/Notice.tsx';
import { onScale } from './hearing.ts';
import { type NetworkFacts, networkOutcome } from './network.ts';
import { StepLine } from './Steps.tsx';
import { type MicrophoneCheck, useMicrophone } from './useMicrophone.ts';

/** How a candidate answers. */
export type Way = 'speaking' | 'typing';

type Network = NetworkFacts | WebRTCConnectionError | null;

/** Whether we hear the candidate and reach each other; each with what to do if not. */
export function DeviceCheck(props: {
  readonly token: () => Promise<string>;
  readonly onNext: (way: Way) => void;
}) {
  const { token, onNext } = props;
  const [attempt, setAttempt] = useState(0);
  const microphone = useMicrophone(attempt);
  const network = useNetwork(token, attempt);
  const isReachable = network !== null && !(network instanceof WebRTCConnectionError);
  const isReady = microphone.isHeard && isReachable;
  const again = () => setAttempt((before) => before + 1);
  return (
    <main className="page narrow">
      <StepLine current="check" />
      <h1 tabIndex={-1}>Can we hear you?</h1>
      <p className="lead">Say a sentence, such as “Good morning, I am ready.”</p>
      <MicrophoneLine microphone={microphone} onAgain={again} />
      <NetworkLine network={network} onAgain={again} />
      <div className="row">
        <button
          type="button"
          className="primary"
          disabled={!isReady}
          onClick={() => onNext('speaking')}
        >
          Start the interview
        </button>
        <button type="button" disabled={!isReachable} onClick={() => onNext('typing')}>
          Type my answers instead
        </button>
      </div>
      <p className="hint">
        {isReady
          ? 'All is well. The interviewer greets you when you start.'
          : 'You can start once we have heard you. What you say here is neither kept nor sent.'}
      </p>
    </main>
  );
}

function useNetwork(token: () => Promise<string>, attempt: number): Network {
  const [network, setNetwork] = useState<Network>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt asks anew
  useEffect(() => {
    const stop = new AbortController();
    setNetwork(null);
    void networkOutcome(token, stop.signal).then((outcome) => {
      if (!stop.signal.aborted) setNetwork(outcome);
    });
    return () => stop.abort();
  }, [token, attempt]);
  return network;
}

type Outcome = 'waiting' | 'good' | 'bad';

/** One thing that is checked; how it is stands in words, and not in a colour alone. */
function Line(props: {
  readonly name: string;
  readonly outcome: Outcome;
  readonly children: ReactNode;
}) {
  return (
    <section className="check" data-outcome={props.outcome} aria-label={props.name}>
      <span className="mark" aria-hidden="true">
        {{ waiting: '·', good: '✓', bad: '!' }[props.outcome]}
      </span>
      <div>
        <h2>{props.name}</h2>
        {props.children}
      </div>
    </section>
  );
}

function MicrophoneLine(props: {
  readonly microphone: MicrophoneCheck;
  readonly onAgain: () => void;
}) {
  const { status, error, level, isHeard, label } = props.microphone;
  if (error) {
    return (
      <Line name="Microphone" outcome="bad">
        <Trouble error={error}>
          <button type="button" onClick={props.onAgain}>
            Try again
          </button>
        </Trouble>
      </Line>
    );
  }
  const words = isHeard
    ? 'We hear you well.'
    : status === 'opening'
      ? 'Your browser asks whether this page may use your microphone. Allow it.'
      : 'We do not hear you yet. Speak up, move closer, or choose another microphone in your browser.';
  return (
    <Line name="Microphone" outcome={isHeard ? 'good' : 'waiting'}>
      <meter min={0} max={1} value={onScale(level)} aria-label="Level of your microphone" />
      <p role="status">{words}</p>
      <p className="hint">{label || ' '}</p>
    </Line>
  );
}

function NetworkLine(props: { readonly network: Network; readonly onAgain: () => void }) {
  const { network } = props;
  if (network === null) {
    return (
      <Line name="Connection" outcome="waiting">
        <p role="status">We look whether we can reach each other…</p>
      </Line>
    );
  }
  if (network instanceof WebRTCConnectionError) {
    return (
      <Line name="Connection" outcome="bad">
        <Trouble error={network}>
          <button type="button" onClick={props.onAgain}>
            Try again
          </button>
        </Trouble>
      </Line>
    );
  }
  return (
    <Line name="Connection" outcome="good">
      <p role="status">
        We reach each other in {network.roundTripMs} ms, and your browser can make calls.
      </p>
    </Line>
  );
}
