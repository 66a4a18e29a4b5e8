const notes = [523.25, 659.25]; // C5 and E5, in hertz
const noteSeconds = 0.35;
const loudness = 0.25;

/** Play two quiet notes, for whoever wants to know whether anything is heard. */
export async function playChime(): Promise<void> {
  const context = new AudioContext();
  const gain = new GainNode(context, { gain: 0 });
  gain.connect(context.destination);
  notes.forEach((frequency, index) => {
    const begin = context.currentTime + index * noteSeconds;
    gain.gain.setTargetAtTime(loudness, begin, 0.02);
    gain.gain.setTargetAtTime(0, begin + noteSeconds / 2, 0.08);
    const note = new OscillatorNode(context, { frequency });
    note.connect(gain);
    note.start(begin);
    note.stop(begin + noteSeconds);
  });
  await new Promise((resolve) => setTimeout(resolve, 1000 * noteSeconds * (notes.length + 1)));
  await context.close();
}
