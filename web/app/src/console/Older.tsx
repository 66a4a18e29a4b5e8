import { asConnectionError, type WebRTCConnectionError } from '@vivavoce/client';
import { useState } from 'react';
import { Refusal } from '../ui/Notice.tsx';

/** The way to the rows before those that are shown. */
export function Older(props: { readonly isThere: boolean; readonly read: () => Promise<void> }) {
  const [isReading, setIsReading] = useState(false);
  const [error, setError] = useState<WebRTCConnectionError | null>(null);
  const read = async () => {
    setIsReading(true);
    setError(null);
    await props.read().catch((thrown: unknown) => setError(asConnectionError(thrown)));
    setIsReading(false);
  };
  if (!props.isThere) return null;
  return (
    <>
      {error && <Refusal error={error} />}
      <button type="button" disabled={isReading} onClick={() => void read()}>
        {isReading ? 'Loading…' : 'Show older ones'}
      </button>
    </>
  );
}
