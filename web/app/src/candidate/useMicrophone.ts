import {
  asConnectionError,
  openMicrophone,
  Sound,
  type WebRTCConnectionError,
} from '@vivavoce/client';
import { useEffect, useState } from 'react';
import { enoughMs, type Heard, hear, nothingHeard, patienceMs } from './hearing.ts';

const lookMs = 50;

/** A microphone that is measured. */
export interface MicrophoneCheck {
  readonly status: 'opening' | 'open' | 'refused';
  readonly error: WebRTCConnectionError | null;
  readonly track: MediaStreamTrack | null;
  readonly level: number;
  readonly isHeard: boolean;
  /** Whether it has been listened to for a while, and nobody was heard. */
  readonly isSilent: boolean;
  /** Its name, as the browser tells it. */
  readonly label: string;
  /** All that there are to choose from, once one is open. */
  readonly devices: readonly Device[];
}

export interface Device {
  readonly id: string;
  readonly label: string;
}

/** One attempt to open a microphone: this one, or null for whichever the browser gives. */
export interface Attempt {
  readonly deviceId: string | null;
}

/** How an attempt came out. */
interface Opened {
  readonly attempt: Attempt;
  readonly track: MediaStreamTrack | null;
  readonly error: WebRTCConnectionError | null;
}

/** Open a microphone while the component stands. Another `attempt` tries anew. */
export function useMicrophone(attempt: Attempt): MicrophoneCheck {
  const [opened, setOpened] = useState<Opened | null>(null);
  const [heard, setHeard] = useState<Heard>(nothingHeard);
  useEffect(() => {
    let isOver = false;
    let track: MediaStreamTrack | null = null;
    const sound = new Sound();
    let timer: ReturnType<typeof setInterval> | undefined;
    const open = async () => {
      try {
        track = await openMicrophone(attempt.deviceId ?? undefined);
        if (isOver) return track.stop();
        sound.listenTo(track);
        setOpened({ attempt, track, error: null });
        timer = setInterval(() => {
          const { candidate } = sound.levels();
          setHeard((before) => hear(before, candidate, lookMs));
        }, lookMs);
      } catch (error) {
        if (!isOver) setOpened({ attempt, track: null, error: asConnectionError(error) });
      }
    };
    setHeard(nothingHeard);
    void open();
    const wake = () => void sound.unblock(); // a browser may want a touch before it measures
    document.addEventListener('pointerdown', wake);
    return () => {
      isOver = true;
      clearInterval(timer);
      document.removeEventListener('pointerdown', wake);
      track?.stop();
      void sound.close();
    };
  }, [attempt]);
  const isCurrent = opened?.attempt === attempt;
  const track = isCurrent ? opened.track : null;
  const error = isCurrent ? opened.error : null;
  return {
    status: error ? 'refused' : track ? 'open' : 'opening',
    error,
    track,
    level: heard.level,
    isHeard: heard.spokenMs >= enoughMs,
    isSilent: heard.spokenMs < enoughMs && heard.waitedMs >= patienceMs,
    label: track?.label ?? '',
    devices: useDevices(track !== null),
  };
}

/** The microphones of this machine; a browser names them once it was allowed to use one. */
function useDevices(isAllowed: boolean): readonly Device[] {
  const [devices, setDevices] = useState<readonly Device[]>([]);
  useEffect(() => {
    if (!isAllowed) return;
    let isOver = false;
    const { mediaDevices } = navigator;
    const look = async () => {
      const all = await mediaDevices.enumerateDevices().catch(() => []);
      const found = all
        .filter(({ kind, label }) => kind === 'audioinput' && label !== '')
        .map(({ deviceId, label }) => ({ id: deviceId, label }));
      if (!isOver) setDevices(found);
    };
    void look();
    mediaDevices.addEventListener('devicechange', look);
    return () => {
      isOver = true;
      mediaDevices.removeEventListener('devicechange', look);
    };
  }, [isAllowed]);
  return devices;
}
