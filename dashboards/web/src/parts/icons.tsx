/** The mark: a kiln's arch with its fire. */
export function KilnMark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M4 29V16a12 12 0 0 1 24 0v13z" fill="none" stroke="#86dcbc" stroke-width="2.4" stroke-linejoin="round" />
      <path d="M10 29v-9.500a6 6 0 0 1 12 0V29z" fill="#2a1210" />
      <path
        d="M16 14.500c.6 3 4.400 4.600 4.400 9a4.400 4.400 0 0 1-8.800 0c0-2.200 1.300-3 1.900-4.600.8.7 1.200 1.400 1.300 2.300 1-1.700 1.500-4 1.200-6.700z"
        fill="#ff9a4d"
      />
      <path
        d="M16 21.600c.3 1.400 1.900 2 1.900 3.900a1.900 1.900 0 0 1-3.800 0c0-1.600 1.500-2.200 1.900-3.900z"
        fill="#ffe0a3"
      />
    </svg>
  );
}

const PATHS = {
  kilns: "M4 20v-8a8 8 0 0 1 16 0v8zM9 20v-5a3 3 0 0 1 6 0v5",
  firings: "M3 19h18M4 16l4-6 3 2 4-8 5 11",
  alarms: "M12 3a6 6 0 0 0-6 6v4l-2 4h16l-2-4V9a6 6 0 0 0-6-6zM10 20a2 2 0 0 0 4 0",
  finger:
    "M7 19c1.300-2.300 1.600-4.500 1.600-7a3.400 3.400 0 0 1 6.800 0c0 3-.4 5.700-1.500 8.300M12 12c0 3.600-.6 6.300-2 8.700M5.300 15.500c.4-1.200.5-2.300.5-3.500a6.200 6.200 0 0 1 12.400 0c0 2.300-.1 4.300-.6 6.200M7.500 5.600a9 9 0 0 1 12.200 3.200",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.8"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
