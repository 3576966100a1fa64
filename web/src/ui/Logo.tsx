/** The mark: strata broken along a fault. */
export function Logo({ size = 26 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#0f5f70" />
      <path
        d="M6 12.5h7l2.2-5.5M26 12.5h-6.2M6 19.5h6.2M26 19.5h-7L16.8 25"
        fill="none"
        stroke="#bfe9f2"
        strokeWidth="2.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <path
        d="M18.5 5 13.8 15.2 18 16.6 13.3 27"
        fill="none"
        stroke="#ffb454"
        strokeWidth="2.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
