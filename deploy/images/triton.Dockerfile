# Triton for GPUs: its release, and a Python that runs the models. They are mounted, not copied in:
# python -m workloads.weights --precision=fp16 makes the repository that tritonserver is pointed at,
# and --model-config-name=gpu chooses its settings for GPUs.
FROM nvcr.io/nvidia/tritonserver:24.10-py3

# The image's own Python is 3.10, and the engine needs 3.11. The stub embeds whichever python3 comes
# first on PATH, and links its shared library.
RUN pip install --no-cache-dir uv==0.13.9 \
 && uv python install --no-bin --install-dir /opt/python 3.11.18 \
 && uv venv --python /opt/python/cpython-3.11.18-linux-x86_64-gnu/bin/python3.11 /opt/runtime

# numpy 2 aborts the stub of Triton 24.10. onnxruntime-gpu 1.26 takes CUDA 12 and cuDNN 9 from the
# image; later ones are built for CUDA 13.
RUN uv pip install --no-cache --python /opt/runtime/bin/python3 \
    "numpy==1.26.4" "onnxruntime-gpu>=1.26,<1.27" "tokenizers>=0.23,<1" "jinja2>=3.1.6"

# NVIDIA publishes the stubs of this very release for other Pythons in this package.
RUN uv pip install --no-cache --no-deps --target /opt/stub nvidia-pytriton==0.7.0 \
 && cp /opt/stub/pytriton/tritonserver/python_backend_stubs/3.11/triton_python_backend_stub \
       /opt/tritonserver/backends/python/ \
 && chmod 755 /opt/tritonserver/backends/python/triton_python_backend_stub \
 && rm -r /opt/stub/pytriton

ENV PATH=/opt/runtime/bin:$PATH \
    LD_LIBRARY_PATH=/opt/python/cpython-3.11.18-linux-x86_64-gnu/lib:/opt/stub/nvidia_pytriton.libs:$LD_LIBRARY_PATH

EXPOSE 8000 8001 8002
USER triton-server
ENTRYPOINT ["tritonserver"]
