import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { errorOf, type wire } from '@vivavoce/client';
import { afterEach, expect, test, vi } from 'vitest';
import { Consent } from '../src/candidate/Consent.tsx';

afterEach(cleanup);

const statements = [
  { id: 'machine', text: 'A machine asks.' },
  { id: 'voice', text: 'My voice goes there.' },
];
const welcome = {
  consent: { version: '2026-11', statements, agreedAt: null },
} as unknown as wire.InvitationWelcome;
const button = () => screen.getByRole<HTMLButtonElement>('button', { name: 'I agree' });

test('nobody agrees to a part of it', () => {
  render(<Consent welcome={welcome} agree={vi.fn()} onBack={vi.fn()} />);
  const boxes = screen.getAllByRole('checkbox');
  const states = boxes.map((box) => {
    fireEvent.click(box);
    return button().disabled;
  });
  expect(states).toEqual([true, false]);
  fireEvent.click(boxes[0] as HTMLElement);
  expect(button().disabled).toBe(true);
});

test('an agreement that was not stored is none, and can be given again', async () => {
  const agree = vi.fn().mockRejectedValueOnce(errorOf('CONFLICT', 'No.', { reason: 'new_text' }));
  render(<Consent welcome={welcome} agree={agree} onBack={vi.fn()} />);
  for (const box of screen.getAllByRole('checkbox')) fireEvent.click(box);
  await act(async () => fireEvent.click(button()));
  expect(screen.getByRole('alert').textContent).toContain('The text has changed');
  expect(button().disabled).toBe(false);
});
