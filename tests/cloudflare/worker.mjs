import { facade } from "./facade.mjs";
import { profiles } from "./profiles.mjs";

export default {
  fetch: (request, env) => (new URL(request.url).pathname.startsWith("/js/") ? profiles(request, env) : facade(request, env)),
};
