"""The local voice engine: an OpenAI Realtime server that hears, decides and speaks offline."""
