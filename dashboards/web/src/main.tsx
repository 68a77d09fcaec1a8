import { render } from "preact";
import { App } from "./app";
import { startRouter } from "./router";
import "./style/index.css";
import { language } from "./words";

document.documentElement.lang = language.get();
startRouter();
const page = document.getElementById("page");
if (page) render(<App />, page);
if ("serviceWorker" in navigator && import.meta.env.PROD) {
  navigator.serviceWorker.register("/sw.js").catch(() => undefined); // the page works without it
}
