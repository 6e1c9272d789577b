export { findUsageEndpoint } from './find-endpoint.ts';
export { createUsageReporter, type UsageReporter } from './reporter.ts';
