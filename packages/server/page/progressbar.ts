/** The attributes of an element that shows a progress, in percent. */
export const progressbar = (label: string, percent: number) => ({
  role: "progressbar" as const,
  "aria-label": label,
  "aria-valuemin": 0,
  "aria-valuemax": 100,
  "aria-valuenow": percent
})
