import { asConnectionError, type WebRTCConnectionError } from '@vivavoce/client';
import { type ReactNode, useState } from 'react';
import { Dialog } from '../ui/Dialog.tsx';
import { Refusal } from '../ui/Notice.tsx';

/** Ask once before something that cannot be undone; the children say what will be gone. */
export function Confirm(props: {
  readonly title: string;
  readonly children: ReactNode;
  /** What the button says. */
  readonly act: string;
  /** What it says while it is done. */
  readonly acting: string;
  readonly run: () => Promise<void>;
  readonly onClose: () => void;
}) {
  const [isActing, setIsActing] = useState(false);
  const [error, setError] = useState<WebRTCConnectionError | null>(null);
  const run = async () => {
    setIsActing(true);
    setError(null);
    try {
      await props.run();
    } catch (thrown) {
      setError(asConnectionError(thrown));
      setIsActing(false);
    }
  };
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      {props.children}
      {error && <Refusal error={error} />}
      <div className="row">
        <button type="button" className="danger" disabled={isActing} onClick={() => void run()}>
          {isActing ? props.acting : props.act}
        </button>
        <button type="button" onClick={props.onClose}>
          Keep it
        </button>
      </div>
    </Dialog>
  );
}
