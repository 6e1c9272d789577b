/** A time in the zone of this machine with its offset, RFC 3339 §5.6, as logs and status files hold it. */
export function formatLocalTime(time: Date, precision: 'seconds' | 'milliseconds'): string {
  const offset = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + offset * 60_000).toISOString();
  const text = local.slice(0, precision === 'seconds' ? 19 : 23);
  if (offset === 0) return `${text}Z`;
  const two = (value: number) => String(Math.floor(Math.abs(value))).padStart(2, '0');
  return `${text}${offset < 0 ? '-' : '+'}${two(offset / 60)}:${two(offset % 60)}`;
}
