"""The headless Python client: an interview from the candidate's side."""

from vivavoce.client.audio import AudioSource, Microphone, Samples, Sound, WavFile
from vivavoce.client.connection import ConnectionMetrics, ConnectionState, SignallingHealth
from vivavoce.client.edge import Edge, open_edge
from vivavoce.client.flag import Flag
from vivavoce.client.interview import InterviewClient
from vivavoce.client.recovery import WebRTCConnectionError
from vivavoce.client.session import Ending, SavedSession

__all__ = [
    "AudioSource",
    "ConnectionMetrics",
    "ConnectionState",
    "Edge",
    "Ending",
    "Flag",
    "InterviewClient",
    "Microphone",
    "Samples",
    "SavedSession",
    "SignallingHealth",
    "Sound",
    "WavFile",
    "WebRTCConnectionError",
    "open_edge",
]
