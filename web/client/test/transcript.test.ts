import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { RealtimeServerEvent, TranscriptEntry } from '../src/generated.ts';
import { readEvent } from '../src/realtime.ts';
import { Transcript } from '../src/transcript/transcript.ts';

/** The cases that the server's own rules are tested with: tests/support/transcript_vectors.py. */
const file = new URL('../../../tests/vectors/transcripts.json', import.meta.url);
const cases: Case[] = JSON.parse(readFileSync(file, 'utf-8'));
const start = Date.parse('2026-11-24T09:00:00Z');

interface Step {
  readonly event?: RealtimeServerEvent;
  readonly entries?: readonly TranscriptEntry[];
  readonly seconds?: number;
  readonly told: readonly unknown[];
}

interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly entries: readonly unknown[];
  readonly own: readonly unknown[];
  readonly known: Readonly<Record<string, number>>;
}

function play(transcript: Transcript, step: Step): TranscriptEntry[] {
  if (step.entries) return transcript.merge(step.entries);
  const now = new Date(start + (step.seconds ?? 0) * 1000).toISOString();
  if (!step.event) return transcript.settle(now);
  const event = readEvent(JSON.stringify(step.event));
  expect(event).not.toBeNull();
  return event === null ? [] : transcript.apply(event, now);
}

function rows(entries: readonly TranscriptEntry[]): unknown[] {
  return entries.map((entry) => [
    entry.itemId,
    entry.revision,
    entry.previousItemId,
    entry.speaker,
    entry.content,
    Date.parse(entry.timestamp),
    entry.final,
    entry.truncated,
    entry.witness,
    entry.confidence,
    entry.metadata?.processingLatency ?? null,
  ]);
}

describe('a conversation gives the same transcript as at the server', () => {
  test.each(cases)('$name', ({ steps, entries, own, known }) => {
    const transcript = new Transcript();
    for (const step of steps) expect(rows(play(transcript, step))).toEqual(step.told);
    expect(rows(transcript.entries())).toEqual(entries);
    expect(rows(transcript.witnessed())).toEqual(own);
    expect(transcript.known()).toEqual(known);
  });
});
