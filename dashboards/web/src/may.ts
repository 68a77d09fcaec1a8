import type { Me } from "./api";

export type Action = Me["workshops"][number]["may"][number];

/** Say whether somebody may do something in any of the workshops: the service decides, the page only does not offer it. */
export const mayAnywhere = (me: Me, action: Action): boolean =>
  me.workshops.some((workshop) => workshop.may.includes(action));

export const mayIn = (me: Me, workshopId: number, action: Action): boolean =>
  me.workshops.some((workshop) => workshop.id === workshopId && workshop.may.includes(action));
