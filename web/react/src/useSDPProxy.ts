import {
  type ChannelOptions,
  findChannel,
  openChannels,
  ProxyChannel,
  type SignallingHealth,
} from '@vivavoce/client';
import { useEffect, useMemo, useState } from 'react';
import { nothing, useStore } from './useStore.ts';

/** Which proxy, and for which session. */
export interface SDPProxyConfig {
  /** The session's `sdpProxyUrl`; null in the direct architecture, where there is none. */
  readonly url: string | null;
  readonly sessionId: string;
  readonly sessionToken: string;
}

export interface SDPProxyState {
  readonly status: SignallingHealth;
  readonly isOpen: boolean;
  /** Connect, unless this page is connected already; one WebSocket per URL. */
  readonly open: () => Promise<void>;
  /** Exchange an SDP offer for the voice model's answer; `replaces` names a call it stands for. */
  readonly exchange: (sdp: string, replaces?: string) => Promise<string>;
}

interface Wanted extends Partial<SDPProxyConfig> {
  readonly url: string | null;
}

/**
 * The way to a session's SDP proxy. An interview of this page uses the same one.
 *
 * @param config Of a session; a URL alone watches the way that an interview of this page opens.
 */
export function useSDPProxy(config: SDPProxyConfig | string | null): SDPProxyState {
  const { url, sessionId, sessionToken }: Wanted =
    typeof config === 'object' && config !== null ? config : { url: config };
  const [channel, setChannel] = useState<ProxyChannel | null>(null);
  useEffect(() => () => void channel?.close(), [channel]);
  const shared = useStore(openChannels).get(url ?? '');
  const status = useStore(shared?.health ?? nothing) ?? 'closed';
  return useMemo(() => {
    const open = async () => {
      if (url === null || findChannel(url) !== undefined) return;
      if (sessionId === undefined || sessionToken === undefined) {
        throw new Error('To open a way of its own, useSDPProxy needs sessionId and sessionToken.');
      }
      const options: ChannelOptions = { url, sessionId, token: () => sessionToken };
      const opened = new ProxyChannel(options);
      await opened.open();
      setChannel(opened);
    };
    const exchange = async (sdp: string, replaces?: string) => {
      await open();
      const current = url === null ? undefined : findChannel(url);
      if (current === undefined) throw new Error('A direct session has no SDP proxy.');
      return (await current.offer(sdp, replaces ?? null)).sdp;
    };
    return { status, isOpen: status === 'open', open, exchange };
  }, [status, url, sessionId, sessionToken]);
}
