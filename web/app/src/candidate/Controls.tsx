import { asConnectionError, maxTypedCharacters, wordsFor } from '@vivavoce/client';
import type { WebRTCState } from '@vivavoce/react';
import { type FormEvent, useState } from 'react';
import { Dialog } from '../ui/Dialog.tsx';
import { Help } from './Help.tsx';

/** Everything to steer the interview with, in one row. */
export function Controls(props: { readonly state: WebRTCState; readonly isTyping: boolean }) {
  const { state, isTyping } = props;
  const { interview, status, isMuted, isPaused } = state;
  const [open, setOpen] = useState<'help' | 'leave' | null>(null);
  const [isWriting, setIsWriting] = useState(isTyping);
  const [trouble, setTrouble] = useState<string | null>(null);
  const isOff = status !== 'connected';
  const act = (does: () => Promise<void>) => {
    setTrouble(null);
    does().catch((error: unknown) => setTrouble(wordsFor(asConnectionError(error).code).title));
  };
  return (
    <footer className="controls">
      {isWriting && <Writing say={(text) => interview.say(text)} isOff={isOff} />}
      {trouble && <p role="alert">{trouble}</p>}
      <div className="buttons">
        {!isTyping && (
          <button type="button" aria-pressed={isMuted} onClick={() => interview.mute(!isMuted)}>
            {isMuted ? 'Unmute' : 'Mute'}
          </button>
        )}
        <button
          type="button"
          aria-pressed={isPaused}
          disabled={isOff}
          onClick={() => act(() => (isPaused ? interview.resume() : interview.pause()))}
        >
          {isPaused ? 'Go on' : 'Pause'}
        </button>
        <button type="button" disabled={isOff} onClick={() => act(() => interview.repeat())}>
          Repeat
        </button>
        {!isTyping && (
          <button type="button" aria-pressed={isWriting} onClick={() => setIsWriting(!isWriting)}>
            Type
          </button>
        )}
        <button type="button" onClick={() => setOpen('help')}>
          Help
        </button>
        <button type="button" className="leave" onClick={() => setOpen('leave')}>
          Leave
        </button>
      </div>
      {open === 'help' && <Help interview={interview} onClose={() => setOpen(null)} />}
      {open === 'leave' && <Leave state={state} onClose={() => setOpen(null)} />}
    </footer>
  );
}

function Leave(props: { readonly state: WebRTCState; readonly onClose: () => void }) {
  return (
    <Dialog title="Leave the interview?" onClose={props.onClose}>
      <p>It ends then, and you cannot come back to it. What you said until now is kept.</p>
      <p>To take a break, use Pause.</p>
      <div className="row">
        <button type="button" className="danger" onClick={() => void props.state.disconnect()}>
          Leave and end it
        </button>
        <button type="button" onClick={props.onClose}>
          Stay
        </button>
      </div>
    </Dialog>
  );
}

function Writing(props: {
  readonly say: (text: string) => Promise<void>;
  readonly isOff: boolean;
}) {
  const [text, setText] = useState('');
  const [hasFailed, setHasFailed] = useState(false);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setHasFailed(false);
    try {
      await props.say(text);
      setText('');
    } catch {
      setHasFailed(true); // it stays in the field
    }
  };
  return (
    <form className="writing" onSubmit={(event) => void send(event)}>
      <label htmlFor="answer">Answer in writing</label>
      <div>
        <textarea
          id="answer"
          rows={2}
          value={text}
          maxLength={maxTypedCharacters}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit" className="primary" disabled={props.isOff || text.trim() === ''}>
          Send
        </button>
      </div>
      {hasFailed && <p role="alert">It was not sent. Try again once you are connected.</p>}
    </form>
  );
}
