/**
 * Events from a React application:
 *
 *   <Marketing apiKey="gbw_..." host="https://growth.example.com" user={user}>
 *     <App />
 *   </Marketing>
 *
 * and in any component `const track = useTrack(); ... onClick={() => track("button_clicked", { button_id: "buy" })}`.
 * Page views follow the router by themselves.
 */
import { createContext, useContext, useEffect } from "react";
import marketingSDK from "growthbench-sdk";

const Client = createContext(marketingSDK);

export function Marketing({ apiKey, appId, host, requireConsent = false, user = null, children }) {
  useEffect(() => {
    marketingSDK.init({ apiKey, appId, host, requireConsent });
  }, [apiKey, appId, host, requireConsent]);
  useEffect(() => {
    if (user) marketingSDK.identify(user.id, user.traits);
    else if (marketingSDK.ids().userId) marketingSDK.reset();
  }, [user && user.id]);
  return <Client.Provider value={marketingSDK}>{children}</Client.Provider>;
}

export function useTrack() {
  return useContext(Client).track;
}

export function ConsentBanner({ text, children }) {
  const client = useContext(Client);
  return (
    <div role="dialog">
      {text}
      <button onClick={() => client.consent(true)}>{children || "OK"}</button>
    </div>
  );
}
