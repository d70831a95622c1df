# syntax=docker/dockerfile:1
# Two stages: build tools stay in the first stage.
FROM node:26.10.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Includes optional dependencies, because the bundler's binaries are optional.
RUN npm ci --ignore-scripts
COPY . .
RUN node scripts/build.ts && npm prune --ignore-scripts --omit=dev --omit=optional

FROM node:26.10.0-bookworm-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=4000 \
    DEVPILOT_DATA_DIR=/data
# Deployments, scripts and backups connect to servers with ssh and read host keys with ssh-keyscan.
RUN apt-get update -q && apt-get install -yq --no-install-recommends openssh-client && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/bin ./bin
COPY --from=build /build/src ./src
COPY --from=build /build/dist/web ./dist/web
COPY --from=build /build/node_modules ./node_modules
RUN install -d -o node -g node -m 0700 /data
USER node
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/readyz').then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
# Starts the server without npm, so that signals reach it and it stops cleanly.
ENTRYPOINT ["node", "bin/devpilot.mjs"]
CMD ["serve"]
