import pino from 'pino';
import { redactLogText } from '../contract/redact.ts';

export function createLogger(level: string, destination?: pino.DestinationStream): pino.Logger {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    redact: {
      paths: ['req.headers.authorization', 'req.headers.cookie', '*.secret', '*.passphrase', '*.password'],
      censor: '[secret]',
    },
    serializers: {
      err: (error: Error) => {
        const { type, message, stack } = pino.stdSerializers.err(error);
        return { type, message: redactLogText(message), stack: redactLogText(stack) };
      },
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
