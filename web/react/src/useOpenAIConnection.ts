import {
  asConnectionError,
  exchangeSdp,
  type OpenAIConfig,
  openCall,
  openMicrophone,
  Sound,
  type VoiceCall,
  type WebRTCConnectionError,
} from '@vivavoce/client';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

/** A call straight to the voice model, as `interview-start` describes it for direct sessions. */
export interface OpenAISessionConfig extends OpenAIConfig {
  readonly iceServers?: RTCIceServer[];
  /** Told of each event of the data channel, as it came. */
  readonly onMessage?: (data: unknown) => void;
}

export interface OpenAIConnectionState {
  readonly status: 'closed' | 'connecting' | 'connected' | 'lost';
  readonly callId: string | null;
  readonly error?: WebRTCConnectionError;
  /** Call with the client secret; never rejects. Each secret opens one call. */
  readonly connect: () => Promise<void>;
  readonly disconnect: () => Promise<void>;
  /** Send an event to the voice model; rejects if there is no call. */
  readonly send: VoiceCall['send'];
}

interface Held {
  readonly status: OpenAIConnectionState['status'];
  readonly callId: string | null;
  readonly error?: WebRTCConnectionError;
}

const closed: Held = { status: 'closed', callId: null };

/** One WebRTC call with the voice model and nothing else: no session, no transcript, no recovery. */
export function useOpenAIConnection(config: OpenAISessionConfig): OpenAIConnectionState {
  const [held, setHeld] = useState<Held>(closed);
  const current = useRef<OwnCall | null>(null);
  const wanted = useRef(config);
  useEffect(() => {
    wanted.current = config;
  });
  const disconnect = useCallback(async () => {
    const own = current.current;
    current.current = null;
    await own?.close();
    setHeld(closed);
  }, []);
  useEffect(() => () => void current.current?.close(), []);
  const connect = useCallback(async () => {
    await current.current?.close();
    const own = new OwnCall(setHeld);
    current.current = own;
    await own.open(wanted.current);
  }, []);
  const send = useCallback<VoiceCall['send']>(async (event) => {
    await current.current?.send(event);
  }, []);
  return useMemo(() => ({ ...held, connect, disconnect, send }), [held, connect, disconnect, send]);
}

/** A call with its microphone and its sound, closed together. */
class OwnCall {
  readonly #show: (held: Held) => void;
  readonly #stop = new AbortController();
  readonly #sound = new Sound();
  #microphone: MediaStreamTrack | null = null;
  #call: VoiceCall | null = null;

  constructor(show: (held: Held) => void) {
    this.#show = (held) => {
      if (!this.#stop.signal.aborted) show(held);
    };
  }

  async open(config: OpenAISessionConfig): Promise<void> {
    this.#show({ status: 'connecting', callId: null });
    try {
      this.#microphone = await openMicrophone();
      if (this.#stop.signal.aborted) return await this.close();
      const call = await openCall({
        exchange: (sdp) => exchangeSdp(config.url, config.clientSecret?.value ?? '', sdp),
        microphone: this.#microphone,
        iceServers: config.iceServers ?? [],
        listener: {
          onMessage: (data) => config.onMessage?.(data),
          onStream: (stream) => this.#sound.play(stream),
          onMetrics: () => {},
        },
        signal: this.#stop.signal,
      });
      this.#call = call;
      call.loss.subscribe(() => this.#show({ status: 'lost', callId: call.id }));
      this.#show({ status: 'connected', callId: call.id });
    } catch (error) {
      this.#show({ status: 'closed', callId: null, error: asConnectionError(error) });
      await this.close();
    }
  }

  async send(event: Parameters<VoiceCall['send']>[0]): Promise<void> {
    await this.#call?.send(event);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#microphone?.stop();
    await this.#call?.close();
    await this.#sound.close();
  }
}
