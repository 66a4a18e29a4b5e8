import { asConnectionError, type WebRTCConnectionError } from '@vivavoce/client';
import { useRef, useState } from 'react';
import { Dialog } from '../ui/Dialog.tsx';
import { download } from '../ui/download.ts';
import { Refusal } from '../ui/Notice.tsx';
import { useDesk } from './context.ts';

const formats = [
  { format: 'md', name: 'Markdown', use: 'for reading', type: 'text/markdown' },
  { format: 'csv', name: 'CSV', use: 'for a spreadsheet', type: 'text/csv' },
  { format: 'vtt', name: 'WebVTT', use: 'captions with times', type: 'text/vtt' },
  {
    format: 'json',
    name: 'JSON',
    use: 'for programs, with every detail',
    type: 'application/json',
  },
] as const;

type Format = (typeof formats)[number];

/** The transcript as a file. */
export function Exports({ sessionId }: { readonly sessionId: string }) {
  const { api } = useDesk();
  const [isOpen, setIsOpen] = useState(false);
  const [error, setError] = useState<WebRTCConnectionError | null>(null);
  const isAsking = useRef(false);
  const close = () => {
    setIsOpen(false);
    setError(null);
  };
  const save = async ({ format, type }: Format) => {
    if (isAsking.current) return;
    isAsking.current = true;
    setError(null);
    try {
      const asked = { places: { sessionId }, query: { format } };
      const text = await api.askForText('showTranscript', asked);
      download(`interview-${sessionId}.${format}`, text, type);
      close();
    } catch (thrown) {
      setError(asConnectionError(thrown));
    } finally {
      isAsking.current = false;
    }
  };
  return (
    <>
      <button type="button" onClick={() => setIsOpen(true)}>
        Download
      </button>
      {isOpen && (
        <Dialog title="Download the transcript" onClose={close}>
          <div className="choices">
            {formats.map((one) => (
              <button key={one.format} type="button" onClick={() => void save(one)}>
                {one.name} <small>{one.use}</small>
              </button>
            ))}
          </div>
          <p className="hint">
            The file holds what a person said. Keep it as carefully as the consent promises.
          </p>
          {error && <Refusal error={error} />}
          <button type="button" onClick={close}>
            Close
          </button>
        </Dialog>
      )}
    </>
  );
}
