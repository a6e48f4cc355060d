// The laboratory of the site.
import { engine } from "./lab-engine.js";
import { laboratory } from "./lab.js";

laboratory(document.querySelector(".lab"), engine);
