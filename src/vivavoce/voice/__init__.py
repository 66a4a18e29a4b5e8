"""Client of a voice model that speaks the OpenAI Realtime protocol: OpenAI's, or our engine."""
