"""The replay: certificates checked by code that shares nothing with the code that makes them. Trusted; does not even load SymPy."""

from sdescent.derive.proof.replay.algebra import Invalid as Invalid
from sdescent.derive.proof.replay.algebra import Unreadable as Unreadable
from sdescent.derive.proof.replay.check import replay as replay
from sdescent.derive.proof.replay.check import replay_object as replay_object
from sdescent.derive.proof.replay.in_words import Replayed as Replayed
from sdescent.derive.proof.replay.in_words import describe as describe
