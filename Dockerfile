# Two images of one project:
#   docker build -t nextpick .                             the API: what serving/ needs, and nothing else
#   docker build -t nextpick-airflow --target airflow .    Airflow and MLflow, with the DAGs, the plugin and the library
# --build-arg GIT_SHA=$(git rev-parse HEAD) tells models which commit they are of: there is no git in an image.
FROM python:3.12-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 \
    OPENBLAS_NUM_THREADS=1
# LightGBM's OpenMP. A user of our own, the same in both images: they share NEXTPICK_HOME.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log /var/cache/debconf/*-old \
    && groupadd --gid 10001 nextpick \
    && useradd --uid 10001 --gid nextpick --no-create-home --home-dir /tmp --shell /usr/sbin/nologin nextpick \
    && install -d -o nextpick -g nextpick -m 0750 /var/lib/nextpick

# uv, in the version and with the hashes of the lock, outside what is shipped
FROM base AS uv
ENV UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never \
    UV_SYSTEM_CERTS=true
COPY requirements.txt /build/requirements.txt
RUN awk '/^[a-z]/ { uv = /^uv==/ } uv' /build/requirements.txt > /build/uv.txt \
    && python3 -m venv /build/uv \
    && /build/uv/bin/pip install --quiet --no-cache-dir --require-hashes -r /build/uv.txt \
    && /build/uv/bin/uv venv --quiet --python "$(command -v python3)" /opt/nextpick/venv

FROM uv AS serving-build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends binutils
COPY serving/requirements.txt infra/images/trim.py /build/
RUN /build/uv/bin/uv pip sync --quiet --python /opt/nextpick/venv --require-hashes /build/requirements.txt \
    && /opt/nextpick/venv/bin/python /build/trim.py "$(echo /opt/nextpick/venv/lib/python*/site-packages)"
COPY LICENSE infra/images/healthy.py infra/images/serve.py /opt/nextpick/
COPY infra/images/bin /opt/nextpick/bin
COPY nextpick /opt/nextpick/nextpick
COPY serving /opt/nextpick/serving
# Compiled here: kernels for any x86-64 since 2015 or any arm64, and byte code of what was loaded for it and of ours.
RUN PYTHONPATH=/opt/nextpick /opt/nextpick/venv/bin/python /opt/nextpick/serve.py compile \
    && PYTHONPATH=/opt/nextpick /opt/nextpick/venv/bin/python -c "import nextpick.cli, nextpick.store.migrate, serving.app" \
    && /opt/nextpick/venv/bin/python -m compileall -q /opt/nextpick/nextpick /opt/nextpick/serving \
    && chmod -R a+rX,go-w /opt/nextpick

FROM uv AS airflow-build
COPY infra/images/airflow.txt /build/airflow.txt
RUN /build/uv/bin/uv pip sync --quiet --python /opt/nextpick/venv --require-hashes --compile-bytecode /build/airflow.txt
COPY . /opt/nextpick
RUN /opt/nextpick/venv/bin/python -m compileall -q /opt/nextpick/nextpick /opt/nextpick/plugins /opt/nextpick/dags \
    && chmod -R a+rX,go-w /opt/nextpick

# Airflow's four processes, its tasks, MLflow's server and `nextpick`
FROM base AS airflow
ARG GIT_SHA=unknown
ENV PATH=/opt/nextpick/venv/bin:/opt/nextpick/infra/images/bin:$PATH \
    PYTHONPATH=/opt/nextpick \
    AIRFLOW_HOME=/var/lib/nextpick/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/nextpick/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/nextpick/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    DO_NOT_TRACK=1 \
    DVC_NO_ANALYTICS=1 \
    HOME=/tmp \
    MLFLOW_DISABLE_TELEMETRY=true \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    NEXTPICK_GIT_SHA=${GIT_SHA} \
    NEXTPICK_HOME=/var/lib/nextpick \
    NEXTPICK_PROJECT=/opt/nextpick
LABEL org.opencontainers.image.title="NextPick: Airflow and MLflow" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${GIT_SHA}"
COPY --from=airflow-build /opt/nextpick /opt/nextpick
WORKDIR /opt/nextpick
USER 10001:10001
CMD ["airflow", "version"]

# The last one is what `docker build` makes
FROM base AS serving
ARG GIT_SHA=unknown
ENV PATH=/opt/nextpick/venv/bin:/opt/nextpick/bin:$PATH \
    PYTHONPATH=/opt/nextpick \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    NEXTPICK_BUNDLE_CACHE=/tmp/bundles \
    NEXTPICK_GIT_SHA=${GIT_SHA} \
    NEXTPICK_HOME=/var/lib/nextpick
LABEL org.opencontainers.image.title="NextPick: the API" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${GIT_SHA}"
COPY --from=serving-build /opt/nextpick /opt/nextpick
WORKDIR /opt/nextpick
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["python", "healthy.py", "http://127.0.0.1:8080/health/live"]
CMD ["python", "serve.py"]
