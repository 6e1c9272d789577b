export { createApi } from './app.ts';
export { serveApi } from './serve.ts';
